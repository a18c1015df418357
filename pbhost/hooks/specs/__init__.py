"""Every hook specification of pbhost. The name tells the family: ``register_*``, ``provide_*``, ``on_*``.

``register_*`` and ``provide_*`` are plain functions called when the application starts. ``on_*`` hooks are plain or
async functions, or generators with ``@hookimpl(wrapper=True)``; they take any subset of their arguments.
"""

from pbhost.hooks.specs.additions import *
from pbhost.hooks.specs.application import *
from pbhost.hooks.specs.mail import *
from pbhost.hooks.specs.provide import *
from pbhost.hooks.specs.register import *
from pbhost.hooks.specs.requests import *
from pbhost.hooks.specs.writes import *

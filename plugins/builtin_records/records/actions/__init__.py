"""Create, update and delete as a client asks for them: every step of the endpoint, for single requests and batches.

An action runs in one hop if it can: :meth:`Action.whole` is everything, in the writer's thread. If a request hook
listens, or a value has to be prepared on the event loop (a password to hash, a file to store), it takes two: rule and
row are looked at first (:meth:`Action.look`), then hooks and preparation run on the loop (:meth:`Action.around`), then
:meth:`Action.finish` writes, and applies the rule again, since anything may have happened in between.
"""

from .base import Action, Asked, Outcome
from .create import Create
from .delete import Delete
from .update import Update

__all__ = ["Action", "Asked", "Create", "Delete", "Outcome", "Update"]

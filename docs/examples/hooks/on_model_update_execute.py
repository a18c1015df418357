"""Measures the SQL of updates alone."""

from time import perf_counter

from pbhost import hookimpl

times = []


@hookimpl(wrapper=True)
def on_model_update_execute(event):
    begin = perf_counter()
    yield
    times.append(perf_counter() - begin)

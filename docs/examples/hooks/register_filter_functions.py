"""A function of the filter language: ``length(title) > 10``; the arguments are SQL text already."""

from pbhost import hookimpl


class Length:
    name = "length"
    min_arguments = 1
    max_arguments = 1

    def sql(self, arguments):
        return f"length({arguments[0]})"


@hookimpl
def register_filter_functions(app):
    return [Length()]

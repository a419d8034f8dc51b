"""The means of a chapter, each one line of a cell: pictures and tables that say what they show."""

from ._behaviours import behaviours
from ._bound import bound
from ._sweep import sweep
from ._table import Table, table

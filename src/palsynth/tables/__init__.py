"""The one reader of tables: CSV, TSV and Excel workbooks, as other programs write them."""

from palsynth.tables.table import SUFFIXES, Table, TableRow, read_table

__all__ = ["SUFFIXES", "Table", "TableRow", "read_table"]

"""Order exports (订单导出) of merchant back ends, and tables of a host's own, as a source of orders and refunds."""

from crossloyalty.adapters.exports.defects import Defect, DefectCode
from crossloyalty.adapters.exports.mapped import read_mapped
from crossloyalty.adapters.exports.mapping import ColumnMapping
from crossloyalty.adapters.exports.reader import ExportReader, read_export
from crossloyalty.adapters.exports.report import ExportProgress, ExportReport, ImportCounts

__all__ = [
    "ColumnMapping",
    "Defect",
    "DefectCode",
    "ExportProgress",
    "ExportReader",
    "ExportReport",
    "ImportCounts",
    "read_export",
    "read_mapped",
]

"""Order exports (订单导出) of merchant back ends as a source of orders: Taobao, Tmall and Douyin, as delimited text."""

from crossloyalty.adapters.exports.defects import Defect, DefectCode
from crossloyalty.adapters.exports.reader import ExportReader, read_export
from crossloyalty.adapters.exports.report import ExportProgress, ExportReport

__all__ = ["Defect", "DefectCode", "ExportProgress", "ExportReader", "ExportReport", "read_export"]

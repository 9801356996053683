"""A report on prices of one's own: from files to a page."""

from mixfolio.report.writer import Report, ReportError, write_report

__all__ = ["Report", "ReportError", "write_report"]

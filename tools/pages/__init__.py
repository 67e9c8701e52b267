"""Generated parts of the pages for readers: tables of fields, metrics, reasons, rights and samples."""

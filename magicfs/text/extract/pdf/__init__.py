"""PDF files and pages: text layers, drawn pages, forms, annotations and ligatures."""

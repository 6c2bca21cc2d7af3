"""PDF files and pages: text layers, the glyphs of pages, drawn pages, forms and annotations."""

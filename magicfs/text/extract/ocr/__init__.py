"""Text in pictures and scanned pages: which OCR there is, and rapidocr behind it."""

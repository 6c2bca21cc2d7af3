"""What pictures, songs and films say of themselves: tags, places, dates, chapters, subtitles. None is decoded."""

package images

// Fit returns the size of a picture that is scaled down into a box, with its proportions kept.
func Fit(width, height, maxWidth, maxHeight int) (int, int) {
	if width*maxHeight > height*maxWidth {
		return maxWidth, height * maxWidth / width
	}
	return width * maxHeight / height, maxHeight
}

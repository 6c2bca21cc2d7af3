public final class Temperature {
    private final double kelvin;

    private Temperature(double kelvin) {
        if (kelvin < 0) throw new IllegalArgumentException("below absolute zero");
        this.kelvin = kelvin;
    }

    public static Temperature ofCelsius(double degrees) {
        return new Temperature(degrees + 273.15);
    }

    public double fahrenheit() {
        return kelvin * 9 / 5 - 459.67;
    }
}

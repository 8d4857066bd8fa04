package cost

// ForecastOf is a forecast of daily costs, for tests.
func ForecastOf(spent []float64, left float64, days, horizon int, seed string) (Forecast, bool) {
	return forecast(spent, left, days, horizon, seed)
}

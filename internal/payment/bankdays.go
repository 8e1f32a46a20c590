package payment

import "time"

// legalTime is Brasília's, without summer time since 2019. Due dates are days of it.
var legalTime = time.FixedZone("", -3*60*60)

// bankHolidays are the national days without banks that have a date (Lei 662/1949, 6.802/1980, 14.759/2023). Those of states and cities
// are left out: a boleto may be paid in any of them.
var bankHolidays = map[[2]int]bool{
	{1, 1}: true, {4, 21}: true, {5, 1}: true, {9, 7}: true, {10, 12}: true, {11, 2}: true, {11, 15}: true, {11, 20}: true, {12, 25}: true,
}

// movableHolidays are those that follow Easter, in days from it: the two of Carnival, Good Friday and Corpus Christi, on which the banks
// are closed.
var movableHolidays = map[int]bool{-48: true, -47: true, -2: true, 60: true}

// isBankDay says whether banks work on a day.
func isBankDay(day time.Time) bool {
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || bankHolidays[[2]int{int(day.Month()), day.Day()}] {
		return false
	}
	fromEaster := int(day.Sub(easter(day.Year())).Hours() / 24)
	return !movableHolidays[fromEaster]
}

// bankDay is the first day from this one on that is a bank day.
func bankDay(day time.Time) time.Time {
	for !isBankDay(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// addBankDays is the bank day that comes so many bank days after a day.
func addBankDays(day time.Time, days int) time.Time {
	for range days {
		day = bankDay(day.AddDate(0, 0, 1))
	}
	return day
}

// dayOf is the day of a moment in Brazil, as midnight UTC: days are counted without a zone.
func dayOf(t time.Time) time.Time {
	year, month, day := t.In(legalTime).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// endOf is the last second of a day in Brazil.
func endOf(day time.Time) time.Time {
	year, month, date := day.Date()
	return time.Date(year, month, date, 23, 59, 59, 0, legalTime).UTC()
}

// easter is Easter Sunday of a year of the Gregorian calendar (Meeus, Jones and Butcher).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	days := h + l - 7*m + 114
	return time.Date(year, time.Month(days/31), days%31+1, 0, 0, 0, 0, time.UTC)
}

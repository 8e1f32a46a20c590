package payment

import "math"

// Interest is what paying in installments costs, in basis points (hundredths of a percent). The law wants the buyer to see the effective
// yearly rate beside the total before a sale on credit (Código de Defesa do Consumidor, article 52).
type Interest struct {
	Centavos int64 // more than the amount
	Monthly  int   // effective, by the month
	Yearly   int   // effective, by the year: the total effective cost (CET), since there is nothing else to pay
}

// InterestOf finds the rates by which the installments, a month apart and the first a month from now, are worth the amount today.
func (p InstallmentPlan) InterestOf(amount int64) Interest {
	more := p.Total - amount
	if amount <= 0 || p.Count < 1 || more <= 0 {
		return Interest{}
	}
	each := float64(p.Total) / float64(p.Count)
	low, high := 0.0, 1+float64(more)/float64(amount) // even one installment, after one month, costs less
	for range 60 {
		middle := (low + high) / 2
		if worth(each, p.Count, middle) > float64(amount) {
			low = middle
		} else {
			high = middle
		}
	}
	return Interest{Centavos: more, Monthly: basisPoints(low), Yearly: basisPoints(math.Pow(1+low, 12) - 1)}
}

// worth is what the installments are worth today at a monthly rate.
func worth(each float64, count int, rate float64) (sum float64) {
	for month := 1; month <= count; month++ {
		sum += each / math.Pow(1+rate, float64(month))
	}
	return sum
}

func basisPoints(rate float64) int { return int(math.Round(rate * 10_000)) }

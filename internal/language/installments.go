package language

import (
	"fmt"

	"github.com/onlywave/onlywave/internal/payment"
)

// PlanText is what a buyer must see before buying on credit: the number and the amount of the installments, the total and the effective
// yearly rate (Código de Defesa do Consumidor, article 52; Decreto 5.903 of 2006, article 3).
func PlanText(p payment.InstallmentPlan, i payment.Interest) Text {
	en := func(centavos int64) string { return EN.Amount(centavos, payment.BRL) }
	pt := func(centavos int64) string { return PT.Amount(centavos, payment.BRL) }
	text := Text{
		EN: fmt.Sprintf("%d × %s, %s in all", p.Count, en(p.Each), en(p.Total)),
		PT: fmt.Sprintf("%dx de %s, total de %s", p.Count, pt(p.Each), pt(p.Total)),
	}
	if i.Centavos == 0 {
		return Text{EN: text.EN + ", without interest", PT: text.PT + ", sem juros"}
	}
	percent := func(basisPoints int, point string) string {
		return fmt.Sprintf("%d%s%02d%%", basisPoints/100, point, basisPoints%100)
	}
	return Text{
		EN: fmt.Sprintf("%s, with %s of interest: %s a month, CET %s a year", text.EN, en(i.Centavos), percent(i.Monthly, "."), percent(i.Yearly, ".")),
		PT: fmt.Sprintf("%s, com %s de juros: %s ao mês, CET de %s ao ano", text.PT, pt(i.Centavos), percent(i.Monthly, ","), percent(i.Yearly, ",")),
	}
}

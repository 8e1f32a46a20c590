package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWrongQuestionAboutInstallmentsNamesItsFields(t *testing.T) {
	t.Parallel()
	for name, example := range map[string]struct {
		question InstallmentQuestion
		wrong    []string
	}{
		"six digits":           {InstallmentQuestion{Amount: 1050, BIN: "503143"}, nil},
		"eight digits":         {InstallmentQuestion{Amount: 1, BIN: "50314332", Brand: "debit_elo2"}, nil},
		"nothing":              {InstallmentQuestion{}, []string{"#query/amount", "#query/bin"}},
		"seven digits":         {InstallmentQuestion{Amount: 1, BIN: "5031433"}, []string{"#query/bin"}},
		"a letter":             {InstallmentQuestion{Amount: 1, BIN: "50314e"}, []string{"#query/bin"}},
		"digits of a script":   {InstallmentQuestion{Amount: 1, BIN: "٥٠٣"}, []string{"#query/bin"}},
		"a negative amount":    {InstallmentQuestion{Amount: -1, BIN: "503143"}, []string{"#query/amount"}},
		"an amount too large":  {InstallmentQuestion{Amount: maxAmount + 1, BIN: "503143"}, []string{"#query/amount"}},
		"a brand with a slash": {InstallmentQuestion{Amount: 1, BIN: "503143", Brand: "../visa"}, []string{"#query/payment_method_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrong []string
			for _, f := range example.question.Validate() {
				wrong = append(wrong, f.Pointer)
			}
			require.Equal(t, example.wrong, wrong)
		})
	}
}

// The rates are those of a price table: 2.99 % a month is 42.41 % a year.
func TestInterestIsTheEffectiveRate(t *testing.T) {
	t.Parallel()
	for name, example := range map[string]struct {
		plan   InstallmentPlan
		amount int64
		want   Interest
	}{
		"none":                      {InstallmentPlan{Count: 3, Each: 3334, Total: 10002}, 10002, Interest{}},
		"a discount":                {InstallmentPlan{Count: 1, Each: 9500, Total: 9500}, 10000, Interest{}},
		"one installment":           {InstallmentPlan{Count: 1, Each: 10299, Total: 10299}, 10000, Interest{299, 299, 4241}},
		"twelve at 2.99 % a month":  {InstallmentPlan{Count: 12, Each: 1004021, Total: 12048255}, 10000000, Interest{2048255, 299, 4241}},
		"two at 21.53 % a month":    {InstallmentPlan{Count: 2, Each: 13333, Total: 26667}, 20000, Interest{6667, 2153, 93761}},
		"no amount, so no interest": {InstallmentPlan{Count: 1, Each: 1, Total: 1}, 0, Interest{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, example.want, example.plan.InterestOf(example.amount))
		})
	}
}

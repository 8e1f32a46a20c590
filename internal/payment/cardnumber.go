package payment

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ContainsCardNumber says whether text holds a card number as users write it: in one run or in groups, with blanks, dashes,
// dots, slashes or other signs between them, in the digits of any script. It has a length and a beginning that one of the
// issuers uses, and passes the Luhn check (ISO/IEC 7812), so that order numbers are not taken for one.
//
// Groups are tried in every neighbouring combination, so that an expiry date behind the number hides nothing, while a longer
// number is not cut into pieces.
func ContainsCardNumber(text string) bool {
	if !mayHoldCardNumber(text) {
		return false
	}
	for line := range strings.Lines(norm.NFKC.String(text)) {
		for _, chain := range digitChains(noCardNumber.ReplaceAllString(line, "x")) {
			if chainHoldsCard(chain) {
				return true
			}
		}
	}
	return false
}

// cardDigitsMin is the length of the shortest card number.
const cardDigitsMin = 14

// mayHoldCardNumber is a quick look for enough digits, which most texts have not.
func mayHoldCardNumber(text string) bool {
	digits := 0
	for _, r := range text {
		if r >= '0' && r <= '9' || r > unicode.MaxASCII {
			digits++
		}
	}
	return digits >= cardDigitsMin
}

// noCardNumber is what has many digits by chance: UUIDs, hashes, and the fractions that programs write.
var noCardNumber = regexp.MustCompile(`(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24,}|\b0\.\d+`)

// gapMax is how many signs may stand between two groups of one number, as in "4235 - 6477".
const gapMax = 3

// digitChains are the groups of digits in a normalized line, as 0 to 9. A letter, or a longer gap, begins another chain. What
// invisible characters between two digits count as absent.
func digitChains(line string) [][]string {
	var chains [][]string
	var chain []string
	var group strings.Builder
	gap := 0
	endGroup := func() {
		if group.Len() > 0 {
			chain = append(chain, group.String())
			group.Reset()
		}
	}
	endChain := func() {
		endGroup()
		if len(chain) > 0 {
			chains = append(chains, chain)
			chain = nil
		}
	}
	for _, r := range line {
		switch digit, isDigit := digitOf(r); {
		case isDigit:
			group.WriteByte(digit)
			gap = 0
		case unicode.In(r, unicode.Cf, unicode.M):
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			endChain()
		default:
			endGroup()
			if gap++; gap > gapMax {
				endChain()
			}
		}
	}
	endChain()
	return chains
}

// digitOf is a decimal digit of any script as 0 to 9: in each script the ten follow one another.
func digitOf(r rune) (byte, bool) {
	if r >= '0' && r <= '9' {
		return byte(r), true
	}
	if !unicode.IsDigit(r) {
		return 0, false
	}
	zero := r
	for unicode.IsDigit(zero - 1) {
		zero--
	}
	return '0' + byte((r-zero)%10), true
}

// documents are the groups in which other long numbers are printed.
var documents = [][]int{
	{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}, // the access key of an electronic invoice (NF-e)
	{5, 5, 5, 6, 5, 6, 1, 14},         // a boleto's line
}

func chainHoldsCard(chain []string) bool {
	lengths := make([]int, len(chain))
	for i, group := range chain {
		lengths[i] = len(group)
	}
	if slices.ContainsFunc(documents, func(d []int) bool { return slices.Equal(d, lengths) }) {
		return false
	}
	for first := range chain {
		number := ""
		for last := first; last < len(chain) && len(number) < cardDigitsMax; last++ {
			number += chain[last]
			if isCardNumber(number) && groupedLikeCard(lengths, first, last) {
				return true
			}
		}
	}
	return false
}

// cardDigitsMax is the length of the longest card number.
const cardDigitsMax = 19

// groupedLikeCard knows that users write cards in groups of four digits or more, but for the last one, or each digit by
// itself. Lists of sizes, coordinates, dates and amounts have shorter ones.
func groupedLikeCard(lengths []int, first, last int) bool {
	isShort := func(length int) bool { return length < 4 }
	if !slices.ContainsFunc(lengths[first:last], isShort) {
		return true
	}
	isLonger := func(length int) bool { return length > 1 }
	isOne := func(i int) bool { return i >= 0 && i < len(lengths) && lengths[i] == 1 }
	return !slices.ContainsFunc(lengths[first:last+1], isLonger) && !isOne(first-1) && !isOne(last+1)
}

// isCardNumber checks length, beginning and check digit.
func isCardNumber(number string) bool {
	return slices.ContainsFunc(issuers, func(i issuer) bool { return i.uses(number) }) && luhn(number)
}

// issuer is a range of numbers: of so many digits, and beginning from low to high.
type issuer struct {
	low, high         string
	shortest, longest int
}

func (i issuer) uses(number string) bool {
	if len(number) < i.shortest || len(number) > i.longest {
		return false
	}
	begin := number[:len(i.low)]
	return i.low <= begin && begin <= i.high
}

// issuers are the ranges in use in Brazil, as the card schemes publish them. Elo and Hipercard have more, inside those of others.
var issuers = []issuer{
	// Visa. Thirteen digits are product barcodes today.
	{"4", "4", 16, 16}, {"4", "4", 19, 19},
	// Mastercard, and its card for tests at Mercado Pago
	{"51", "55", 16, 16}, {"2221", "2720", 16, 16}, {"503143", "503143", 16, 16},
	// American Express
	{"34", "34", 15, 15}, {"37", "37", 15, 15},
	// Diners Club
	{"30", "30", 14, 14}, {"36", "36", 14, 14}, {"38", "39", 14, 14},
	// Discover
	{"6011", "6011", 16, 19}, {"644", "649", 16, 19}, {"65", "65", 16, 19},
	// UnionPay
	{"62", "62", 16, 19},
	// JCB
	{"3528", "3589", 16, 16},
	// Elo
	{"504175", "504175", 16, 16}, {"506699", "506778", 16, 16}, {"509000", "509999", 16, 16}, {"636297", "636297", 16, 16},
	{"636368", "636368", 16, 16},
	// Hipercard
	{"384100", "384100", 16, 16}, {"384140", "384140", 16, 16}, {"384160", "384160", 16, 16}, {"606282", "606282", 16, 16},
	{"637095", "637095", 16, 16}, {"637568", "637568", 16, 16}, {"637599", "637599", 16, 16}, {"637609", "637609", 16, 16},
	{"637612", "637612", 16, 16},
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		n := int(number[i] - '0')
		if (len(number)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

package simulator

import (
	"net/http"
	"strconv"
)

// accountAnswer is the seller's account as GET /users/me returns it (official SDK, pkg/user).
type accountAnswer struct {
	ID               int64  `json:"id"`
	Nickname         string `json:"nickname"`
	RegistrationDate string `json:"registration_date"`
	FirstName        string `json:"first_name"`
	LastName         string `json:"last_name"`
	Gender           string `json:"gender"`
	CountryID        string `json:"country_id"`
	Email            string `json:"email"`
	SiteID           string `json:"site_id"`
}

// getAccount returns the account of the token. Unless the simulator plays a live account, it is a test user.
func (s *Simulator) getAccount(c *call) answer {
	s.hold(c)
	a := accountAnswer{
		ID: s.config.CollectorID, Nickname: "MERCHANT", RegistrationDate: "2023-03-27T20:26:10.298-04:00",
		FirstName: "Loja", LastName: "Exemplo", CountryID: "BR", Email: "loja@example.com", SiteID: "MLB",
	}
	if !s.config.LiveMode {
		number := strconv.FormatInt(s.config.CollectorID, 10)
		a.Nickname, a.Email = "TEST_USER_"+number, "test_user_"+number+"@testuser.com"
	}
	return jsonAnswer(http.StatusOK, a)
}

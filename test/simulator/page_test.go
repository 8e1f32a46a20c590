package simulator

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// page asks as a browser does: redirects followed, no token.
func (a account) page(method, path string) (int, string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, nil)
	require.NoError(a.t, err)
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	return res.StatusCode, string(body)
}

func TestPayPage(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.charge(map[string]any{"transaction_amount": 1234567.5, "description": "<b>Pedido</b>"})
	path := "/pay/" + p.id()

	status, body := a.page("GET", path)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "R$ 1.234.567,50")
	require.Contains(t, body, "&lt;b&gt;Pedido&lt;/b&gt;")
	require.Contains(t, body, p.at("point_of_interaction.transaction_data.qr_code"))
	require.Contains(t, body, `src="data:image/png;base64,`)
	require.Contains(t, body, "Aguardando pagamento")
	require.Contains(t, body, "Simulador")

	status, body = a.page("POST", path+"/pay")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Pagamento aprovado em")
	require.NotContains(t, body, "<form")
	require.Equal(t, "approved", a.get(p.id())["status"])

	_, body = a.page("POST", path+"/expire")
	require.Contains(t, body, "não está mais aguardando pagamento")
	require.Contains(t, body, "Pagamento aprovado em")
}

func TestPayPageLetsExpire(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.charge(nil)
	_, body := a.page("POST", "/pay/"+p.id()+"/expire")
	require.Contains(t, body, "expirou sem pagamento")

	cancelled := a.charge(nil)
	a.call("PUT", "/v1/payments/"+cancelled.id(), "", map[string]any{"status": "cancelled"})
	_, body = a.page("GET", "/pay/"+cancelled.id())
	require.Contains(t, body, "cancelado pelo vendedor")

	status, body := a.page("POST", "/pay/1/pay")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, body, "Não há pagamento 1")
}

func TestFrontPage(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	_, body := a.page("GET", "/")
	require.Contains(t, body, "Ainda não há pagamentos")
	p := a.charge(nil)
	_, body = a.page("GET", "/")
	require.Contains(t, body, `href="/pay/`+p.id()+`"`)
	require.Contains(t, body, "R$ 10,50")
	status, _ := a.page("GET", "/nowhere")
	require.Equal(t, http.StatusNotFound, status)
}

package api

import (
	"embed"
	"net/http"

	"github.com/gin-gonic/gin"
)

//go:embed docs/index.html docs/openapi-explorer.min.js docs/openapi-explorer.LICENSE
var docsFiles embed.FS

// docsPolicy lets the page load its own script, read the contract and send requests to this server, and nothing else. The renderer
// needs inline styles.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs serves the contract as a web page.
func (s *Server) docs(c *gin.Context) error {
	c.Header("Content-Security-Policy", docsPolicy)
	return serveDocs(c, "index.html", "text/html; charset=utf-8")
}

// docsFile serves the files of that page.
func (s *Server) docsFile(c *gin.Context) error {
	switch name := c.Param("file"); name {
	case "openapi-explorer.min.js":
		return serveDocs(c, name, "text/javascript; charset=utf-8")
	case "openapi-explorer.LICENSE":
		return serveDocs(c, name, "text/plain; charset=utf-8")
	}
	return refuse(pathUnknown, "there is nothing at this path")
}

func serveDocs(c *gin.Context, name, contentType string) error {
	content, err := docsFiles.ReadFile("docs/" + name)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "max-age=300")
	c.Data(http.StatusOK, contentType, content)
	return nil
}

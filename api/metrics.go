package api

import (
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// noRoute stands for every request without a route: anybody can invent paths and methods.
const noRoute = "none"

// newRequests makes the histogram of requests by route, method and class of status.
func newRequests() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onlywave_http_request_duration_seconds", Help: "Duration of HTTP requests in seconds, by route, method and class of status.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	}, []string{"route", "method", "status"})
}

// Collectors are the metrics of the server.
func (s *Server) Collectors() []prometheus.Collector { return []prometheus.Collector{s.requests} }

func (s *Server) measure(c *gin.Context, took time.Duration) {
	route, method := c.FullPath(), c.Request.Method
	if route == "" {
		route, method = noRoute, noRoute
	}
	s.requests.WithLabelValues(route, method, strconv.Itoa(c.Writer.Status()/100)+"xx").Observe(took.Seconds())
}

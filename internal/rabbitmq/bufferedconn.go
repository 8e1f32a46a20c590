package rabbitmq

import (
	"errors"
	"net"
	"sync"
	"time"
)

const (
	writeTimeout = 5 * time.Second
	// Far more than all publishes in flight need, so it is reached only when the broker has stopped reading.
	maxUnwritten = 64 << 20
	maxKept      = 1 << 20
)

var errNotReading = errors.New("the broker has stopped reading")

// socket is a network connection whose Write returns at once: it leaves the bytes for one goroutine that writes all that
// has gathered. amqp091-go writes while it holds the locks that its own shutdown needs, so a broker that stops reading
// would otherwise hang every caller and keep the heartbeat from ending the connection. It also makes one write of many
// small messages. An error of a write closes the connection, which the library sees when it reads.
type socket struct {
	net.Conn

	mu        sync.Mutex
	unwritten []byte
	closed    bool
	wake      chan struct{}
}

func newSocket(conn net.Conn) *socket {
	s := &socket{Conn: conn, wake: make(chan struct{}, 1)}
	go s.write()
	return s
}

// Write takes all of b or fails. Success says only that b will be written if the connection lives.
func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	if len(s.unwritten)+len(b) > maxUnwritten {
		return 0, errNotReading
	}
	s.unwritten = append(s.unwritten, b...)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return len(b), nil
}

// Close closes at once; what is unwritten is lost.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.wake)
	return s.Conn.Close()
}

func (s *socket) write() {
	var batch []byte
	for range s.wake {
		s.mu.Lock()
		batch, s.unwritten = s.unwritten, batch[:0]
		s.mu.Unlock()

		err := s.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err == nil {
			_, err = s.Conn.Write(batch)
		}
		if err != nil {
			_ = s.Close()
			return
		}
		if cap(batch) > maxKept {
			batch = nil
		}
	}
}

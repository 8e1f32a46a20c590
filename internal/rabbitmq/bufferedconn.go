package rabbitmq

import (
	"errors"
	"net"
	"sync"
	"time"
)

const (
	writeTimeout = 5 * time.Second
	// maxUnwritten is far more than all publishes in flight need. It is reached only when the broker has stopped reading.
	maxUnwritten = 64 << 20
	maxKept      = 1 << 20
)

var errNotReading = errors.New("the broker has stopped reading")

// bufferedConn is a network connection whose Write returns at once. Write adds the bytes to a buffer, and one goroutine writes the
// buffer to the network. amqp091-go writes while it holds the locks that its own shutdown needs. Without the buffer, a broker that
// stops reading would block every caller and keep the heartbeat from ending the connection. The buffer also joins many small
// messages into one write. A write error closes the connection, which the library sees when it reads.
type bufferedConn struct {
	net.Conn

	mu        sync.Mutex
	unwritten []byte
	closed    bool
	pending   chan struct{}
}

func newBufferedConn(conn net.Conn) *bufferedConn {
	s := &bufferedConn{Conn: conn, pending: make(chan struct{}, 1)}
	go s.write()
	return s
}

// Write takes all of b or fails. Success says only that b will be written if the connection lives.
func (s *bufferedConn) Write(b []byte) (int, error) {
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
	case s.pending <- struct{}{}:
	default:
	}
	return len(b), nil
}

// Close closes at once; what is unwritten is lost.
func (s *bufferedConn) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.pending)
	return s.Conn.Close()
}

func (s *bufferedConn) write() {
	var batch []byte
	for range s.pending {
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

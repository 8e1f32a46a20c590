// Package payloadcodec encrypts the payloads that Temporal stores: inputs, results, summaries, details, and what failures say. Its one
// rule: a key that is missing stops a workflow task, which is retried, and never fails a workflow.
//
// A payload is encrypted whole, with AES-256-GCM under a random nonce. The additional data is the namespace only: the Web UI and the
// command line tell a codec endpoint no more than that.
package payloadcodec

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// The metadata of an encrypted payload.
const (
	encoding    = "binary/encrypted"
	metadataKey = "encryption-key-id"
)

// Codec encrypts with the first key, and decrypts with the one that a payload names. A payload that is not encrypted is left as it is:
// histories from before have such payloads, and signals that an operator sends without a codec endpoint.
type Codec struct {
	namespace []byte
	active    string
	keys      map[string]cipher.AEAD
	hashKey   []byte
	decrypted *prometheus.CounterVec
}

// New makes the codec of a namespace from keys as TEMPORAL_PAYLOAD_KEYS has them, and tests each of them.
func New(namespace string, keys ...string) (*Codec, error) {
	c := &Codec{namespace: []byte(namespace), keys: map[string]cipher.AEAD{}, decrypted: newDecrypted()}
	if len(keys) == 0 {
		return nil, errors.New("there is no key to encrypt Temporal's payloads with")
	}
	secrets := map[string][]byte{}
	for i, text := range keys {
		id, secret, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("key %d of Temporal's payloads: %w", i+1, err)
		}
		if c.keys[id] != nil {
			return nil, fmt.Errorf("two keys of Temporal's payloads have the id %s", id)
		}
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, err
		}
		if c.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		if i == 0 {
			c.active = id
		}
		if err := c.test(id); err != nil {
			return nil, err
		}
		secrets[id] = secret
		c.decrypted.WithLabelValues(id)
	}
	var err error
	c.hashKey, err = newHashKey(namespace, secrets)
	return c, err
}

// test encrypts and decrypts with one key.
func (c *Codec) test(id string) error {
	plain := &common.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte("binary/plain")}, Data: []byte("test")}
	sealed, err := c.encrypt(id, plain)
	if err != nil {
		return err
	}
	opened, err := c.decrypt(sealed)
	if err == nil && !proto.Equal(plain, opened) {
		err = errors.New("the payload has changed")
	}
	if err != nil {
		return fmt.Errorf("test the key %s of Temporal's payloads: %w", id, err)
	}
	return nil
}

// Encode encrypts payloads with the first key.
func (c *Codec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	return each(payloads, func(p *common.Payload) (*common.Payload, error) { return c.encrypt(c.active, p) })
}

// Decode decrypts payloads. The error fails the workflow task and not the workflow.
func (c *Codec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	return each(payloads, func(p *common.Payload) (*common.Payload, error) {
		if !Encrypted(p) {
			return p, nil
		}
		opened, err := c.decrypt(p)
		if err != nil {
			return nil, converter.NewWorkflowTaskFailureError(err)
		}
		c.decrypted.WithLabelValues(keyID(p)).Inc()
		return opened, nil
	})
}

// Lenient is the codec for people who read: a payload that it cannot decrypt stays as it is, and the others are shown.
func (c *Codec) Lenient() converter.PayloadCodec { return lenient{c} }

type lenient struct{ *Codec }

func (l lenient) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	return each(payloads, func(p *common.Payload) (*common.Payload, error) {
		if opened, err := l.Codec.Decode([]*common.Payload{p}); err == nil {
			return opened[0], nil
		}
		return p, nil
	})
}

func each(payloads []*common.Payload, do func(*common.Payload) (*common.Payload, error)) ([]*common.Payload, error) {
	all := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		var err error
		if all[i], err = do(p); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c *Codec) encrypt(id string, p *common.Payload) (*common.Payload, error) {
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encrypt a payload: %w", err)
	}
	return &common.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding), metadataKey: []byte(id)},
		Data:     c.keys[id].Seal(nil, nil, plain, c.namespace),
	}, nil
}

func (c *Codec) decrypt(p *common.Payload) (*common.Payload, error) {
	key := c.keys[keyID(p)]
	if key == nil {
		return nil, fmt.Errorf("a payload is encrypted with the key %q, which TEMPORAL_PAYLOAD_KEYS does not have: add it", keyID(p))
	}
	plain, err := key.Open(nil, nil, p.GetData(), c.namespace)
	if err != nil {
		return nil, fmt.Errorf("a payload that names the key %s cannot be decrypted: it was changed, is of another namespace than %s, or another key has this id",
			keyID(p), c.namespace)
	}
	opened := &common.Payload{}
	if err := proto.Unmarshal(plain, opened); err != nil {
		return nil, fmt.Errorf("read a decrypted payload: %w", err)
	}
	return opened, nil
}

// Encrypted says whether a payload is encrypted. That somebody with the key has done it, only decrypting it shows.
func Encrypted(p *common.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == encoding
}

func keyID(p *common.Payload) string { return string(p.GetMetadata()[metadataKey]) }

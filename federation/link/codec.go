package link

import (
	"errors"
	"fmt"

	"github.com/entente-relay/entente/federation"
	"github.com/klauspost/compress/zstd"
)

// Limits of a frame.
const (
	// MaxWire is the most bytes of one encoded pull or frame; NATS carries no
	// more (its usual max_payload).
	MaxWire = 1 << 20
	// MaxMessages is the most messages in a frame.
	MaxMessages = 512
	// MaxBody is the most bytes of all messages of a frame together, and all
	// the memory that a compressed frame may grow to; one that comes in parts is
	// put together in as much again.
	MaxBody = 4 << 20
	// DefaultMaxBytes is what a receiver asks for if it does not say: so much
	// fits into MaxWire even if nothing of it can be compressed.
	DefaultMaxBytes = 960 << 10
)

// minCompress is below how many bytes of messages compression is not tried.
const minCompress = 1 << 10

// Codec encodes and decodes frames. It holds the state of the compressor and
// may be used by many goroutines at once.
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// NewCodec returns a codec that compresses the messages of each frame with
// zstd (RFC 8878).
func NewCodec() (*Codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(512<<10))
	if err != nil {
		return nil, fmt.Errorf("link: compressor: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(MaxBody), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("link: decompressor: %w", err)
	}
	return &Codec{enc: enc, dec: dec}, nil
}

// pack compresses body if that makes it smaller.
func (c *Codec) pack(body []byte) (packed []byte, compressed bool) {
	if len(body) < minCompress {
		return body, false
	}
	packed = c.enc.EncodeAll(body, make([]byte, 0, len(body)))
	if len(packed) >= len(body) {
		return body, false
	}
	return packed, true
}

// unpack undoes pack. size, at most MaxBody, is what the sender says the result
// is; exactly so much memory is taken, whatever the compressed bytes claim.
func (c *Codec) unpack(packed []byte, compressed bool, size int) ([]byte, error) {
	if !compressed {
		if len(packed) != size {
			return nil, federation.Refuse(federation.Malformed, "frame", fmt.Sprintf("%d bytes of messages announced, %d present", size, len(packed)))
		}
		return packed, nil
	}
	body, err := c.dec.DecodeAll(packed, make([]byte, 0, size))
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, &federation.Refusal{Reason: federation.TooLarge, Where: "frame", Detail: fmt.Sprintf("it decompresses to more than the %d bytes announced", size), Err: err}
	case err != nil:
		return nil, &federation.Refusal{Reason: federation.Malformed, Where: "frame", Detail: "compressed messages", Err: err}
	case len(body) != size:
		return nil, federation.Refuse(federation.Malformed, "frame", fmt.Sprintf("%d bytes of messages announced, %d present", size, len(body)))
	}
	return body, nil
}

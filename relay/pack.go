package relay

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/policy"
	"github.com/entente-relay/entente/mapping/scheme"
)

// Names in packed rules.
const (
	packedPolicies      = "policies"
	packedJurisdictions = "jurisdictions"
	packedReviews       = "reviewed.json"
)

// maxUnpacked bounds packed rules, in bytes of what is in them.
const maxUnpacked = 16 << 20

// PackRules packs rules, facts of law and the reviews of a configuration into
// one file, a ZIP archive, so that a node can be asked about rules that it need
// not be able to read itself.
func PackRules(cfg *configs.Node, f Folders) ([]byte, error) {
	f = f.in(cfg)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	z.RegisterCompressor(zip.Deflate, fastDeflate())
	for name, from := range map[string]fs.FS{packedPolicies: dataFS(f.Policies, configs.Policies()), packedJurisdictions: dataFS(f.Jurisdictions, configs.Jurisdictions())} {
		if err := packFolder(z, name, from); err != nil {
			return nil, f.wrap(err)
		}
	}
	raw, err := json.Marshal(reviewsOf(cfg))
	if err != nil {
		return nil, err
	}
	if err := packFile(z, packedReviews, raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// fastDeflate makes compressors of one archive's files, one after the other: they
// are small, and a start waits for them.
func fastDeflate() zip.Compressor {
	var w *flate.Writer
	return func(to io.Writer) (io.WriteCloser, error) {
		if w != nil {
			w.Reset(to)
			return w, nil
		}
		var err error
		w, err = flate.NewWriter(to, flate.BestSpeed)
		return w, err
	}
}

func packFolder(z *zip.Writer, name string, from fs.FS) error {
	return fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		return packFile(z, name+"/"+path, raw)
	})
}

func packFile(z *zip.Writer, name string, raw []byte) error {
	w, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// unpackRules loads packed rules, proved as at every load.
func unpackRules(packed []byte, tables *scheme.Tables) (*policy.Bundle, error) {
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("packed rules: %w", err)
	}
	total := uint64(0)
	for _, f := range z.File {
		if total += f.UncompressedSize64; total > maxUnpacked || f.UncompressedSize64 > maxUnpacked {
			return nil, fmt.Errorf("packed rules: more than %d bytes", maxUnpacked)
		}
	}
	policies, err := fs.Sub(z, packedPolicies)
	if err != nil {
		return nil, err
	}
	jurisdictions, err := fs.Sub(z, packedJurisdictions)
	if err != nil {
		return nil, err
	}
	raw, err := fs.ReadFile(z, packedReviews)
	if err != nil {
		return nil, err
	}
	o := policy.Options{}
	if err := json.Unmarshal(raw, &o.Reviewed); err != nil {
		return nil, fmt.Errorf("packed rules: %s: %w", packedReviews, err)
	}
	return policy.Load(policies, jurisdictions, tables, o)
}

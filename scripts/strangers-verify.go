// Audits a log written in the layout of C2SP tlog-tiles, with Go's own transparency log packages
// (golang.org/x/mod/sumdb/note and tlog) and nothing of ours: signature, tree, every entry, and growth
// from an older checkpoint. It shows that the format is the standard's and not just ours.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const usage = "usage: go-verify DIR VKEY [OLD-CHECKPOINT-FILE]..."

type directory struct {
	root string
}

func (d directory) Height() int { return height }

func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

// Go's paths name the height of a tile, the standard's do not.
func path(t tlog.Tile) string {
	p := strings.TrimPrefix(t.Path(), "tile/8/")
	if t.L == -1 {
		p = "entries/" + strings.TrimPrefix(p, "data/")
	}
	return "tile/" + p
}

func (d directory) read(t tlog.Tile) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(d.root, path(t)))
	if err != nil && t.W < 1<<height {
		// A partial tile may be gone once the full one is there.
		full := t
		full.W = 1 << height
		if whole, again := os.ReadFile(filepath.Join(d.root, path(full))); again == nil {
			return whole, nil
		}
	}
	return data, err
}

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, err := d.read(t)
		if err != nil {
			return nil, err
		}
		if len(data) > t.W*tlog.HashSize {
			data = data[:t.W*tlog.HashSize]
		}
		out[i] = data
	}
	return out, nil
}

func open(file string, verifiers note.Verifiers) (string, tlog.Tree, error) {
	var tree tlog.Tree
	msg, err := os.ReadFile(file)
	if err != nil {
		return "", tree, err
	}
	n, err := note.Open(msg, verifiers)
	if err != nil {
		return "", tree, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 {
		return "", tree, fmt.Errorf("checkpoint has too few lines")
	}
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil {
		return "", tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return lines[0], tree, err
}

func audit(d directory, tree tlog.Tree) error {
	hashes := tlog.TileHashReader(tree, d)
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		bundle, err := d.read(tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)})
		if err != nil {
			return err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		proven, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 {
				return fmt.Errorf("entry %d: the bundle ends early", first+i)
			}
			size := int(binary.BigEndian.Uint16(bundle))
			bundle = bundle[2:]
			if len(bundle) < size {
				return fmt.Errorf("entry %d: the bundle ends early", first+i)
			}
			if tlog.RecordHash(bundle[:size]) != proven[i] {
				return fmt.Errorf("entry %d: its bytes are not those of the tree", first+i)
			}
			bundle = bundle[size:]
		}
		if len(bundle) != 0 && width == 1<<height {
			return fmt.Errorf("bundle at %d: bytes after its last entry", first)
		}
	}
	return nil
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf(usage)
	}
	verifier, err := note.NewVerifier(args[1])
	if err != nil {
		return err
	}
	verifiers := note.VerifierList(verifier)
	d := directory{args[0]}
	origin, tree, err := open(filepath.Join(d.root, "checkpoint"), verifiers)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := audit(d, tree); err != nil {
		return err
	}
	spent := time.Since(began)
	for _, file := range args[2:] {
		oldOrigin, old, err := open(file, verifiers)
		if err != nil {
			return err
		}
		if oldOrigin != origin {
			return fmt.Errorf("%s: origin %q is not %q", file, oldOrigin, origin)
		}
		if old.N > tree.N {
			return fmt.Errorf("%s: rollback from %d to %d entries", file, old.N, tree.N)
		}
		if old.N == tree.N {
			if old.Hash != tree.Hash {
				return fmt.Errorf("%s: fork at %d entries", file, old.N)
			}
			continue
		}
		if old.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, d))
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return fmt.Errorf("%s: %v", file, err)
		}
	}
	fmt.Printf("verified: %d entries in %.6f s, %d older checkpoints\n", tree.N, spent.Seconds(), len(args)-2)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-verify:", err)
		os.Exit(1)
	}
}

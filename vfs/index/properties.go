package index

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"slipway/vfs"
)

// patch changes dead properties. Nobody else hears of it: no bytes and no name
// change.
func (c *change) patch(ctx context.Context, op vfs.Patch) (vfs.Entry, error) {
	e, _, err := walk(ctx, c, op.Path)
	if err != nil {
		return e, err
	}
	for _, n := range op.Remove {
		if err := c.exec(ctx, "DELETE FROM properties WHERE entry = $1 AND space = $2 AND name = $3", int64(e.ID), n.Space, n.Local); err != nil {
			return e, err
		}
	}
	for n, value := range op.Set {
		err := c.exec(ctx, `INSERT INTO properties (entry, space, name, value) VALUES ($1, $2, $3, $4)
			ON CONFLICT (entry, space, name) DO UPDATE SET value = excluded.value`, int64(e.ID), n.Space, n.Local, value)
		if err != nil {
			return e, err
		}
	}
	if len(op.Set) > 0 {
		if err := c.fewProperties(ctx, e.ID); err != nil {
			return e, err
		}
	}
	if op.Modified.IsZero() {
		return e, nil
	}
	return c.setModified(ctx, e, op.Modified)
}

// fewProperties fails where an entry has more properties than are kept.
func (c *change) fewProperties(ctx context.Context, id vfs.ID) error {
	var n, size int64
	err := c.QueryRow(ctx, `SELECT count(*), coalesce(sum(octet_length(space) + octet_length(name) + octet_length(value)), 0)
		FROM properties WHERE entry = $1`, int64(id)).Scan(&n, &size)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if n > vfs.PropertiesMax || size > vfs.PropertyBytesMax {
		return vfs.ErrProperties
	}
	return nil
}

// copyProperties gives the entry to, which has none, the properties of from.
func (c *change) copyProperties(ctx context.Context, from, to vfs.ID) error {
	return c.exec(ctx, `INSERT INTO properties (entry, space, name, value)
		SELECT CAST($2 AS BIGINT), space, name, value FROM properties WHERE entry = $1`, int64(from), int64(to))
}

func (c *change) dropProperties(ctx context.Context, id vfs.ID) error {
	return c.exec(ctx, "DELETE FROM properties WHERE entry = $1", int64(id))
}

// handProperties takes the properties of from away and gives them to to, in place
// of its own.
func (c *change) handProperties(ctx context.Context, from, to vfs.ID) error {
	if err := c.dropProperties(ctx, to); err != nil {
		return err
	}
	return c.exec(ctx, "UPDATE properties SET entry = $2 WHERE entry = $1", int64(from), int64(to))
}

// propertiesPage is how many entries one statement asks for.
const propertiesPage = 500

// Properties returns the dead properties of entries; see vfs.Index.
func (t *Tree) Properties(ctx context.Context, ids []vfs.ID) (map[vfs.ID]map[xml.Name]string, error) {
	found := make(map[vfs.ID]map[xml.Name]string)
	for page := range slices.Chunk(ids, propertiesPage) {
		err := t.db.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
			return properties(ctx, tx, t.db.Postgres(), page, found)
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// properties adds those of ids to found. The ids travel as one argument: one for
// each would cost more than what is asked.
func properties(ctx context.Context, tx vfs.Tx, postgres bool, ids []vfs.ID, found map[vfs.ID]map[xml.Name]string) error {
	list, among := idList(postgres, ids, "$1")
	rows, err := tx.Query(ctx, "SELECT entry, space, name, value FROM properties WHERE entry "+among, list)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id vfs.ID
		var name xml.Name
		var value string
		if err := rows.Scan(&id, &name.Space, &name.Local, &value); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		if found[id] == nil {
			found[id] = make(map[xml.Name]string)
		}
		found[id][name] = value
	}
	return rows.Err()
}

// idList returns ids as one argument, and the condition that a column is among them
// where that argument is mark.
func idList[I ~int64](postgres bool, ids []I, mark string) (list, among string) {
	list = strings.Join(strings.Fields(fmt.Sprint(ids)), ",") // as JSON
	if postgres {
		return "{" + strings.Trim(list, "[]") + "}", "= ANY (CAST(" + mark + " AS BIGINT[]))"
	}
	return list, "IN (SELECT value FROM json_each(" + mark + "))"
}

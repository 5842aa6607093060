package index

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"slipway/vfs"
)

// stepsMax is how many steps down the tree one statement makes.
const stepsMax = 8

// aside is what a descent can tell beside the way: whether anything at all is in
// tables that a change must look into where something is.
type aside struct{ totals, partials, released bool }

// descend makes up to stepsMax steps down from the directory with an id, in one
// statement: statements are what a look-up costs. It returns the entry at the end,
// and above with the directories on the way; and fills tell, unless that is nil.
func descend(ctx context.Context, tx vfs.Tx, from vfs.ID, names []string, above []vfs.ID, tell *aside) (e vfs.Entry, _ []vfs.ID, err error) {
	args := make([]any, 1, 1+stepsMax)
	args[0] = int64(from)
	for _, name := range names {
		args = append(args, vfs.Key(name))
	}
	statement, between := descents[len(names)-1], make([]int64, 2*(len(names)-1), 2*stepsMax+1) // id and dir of each directory on the way
	if tell != nil {
		statement, between = tellingDescents[len(names)-1], between[:2*len(names)+1]
	}
	if e, err = scanAfter(tx.QueryRow(ctx, statement, args...), between); err != nil {
		return e, above, err
	}
	if tell != nil {
		*tell = aside{totals: between[0] != 0, partials: between[1] != 0, released: between[2] != 0}
		between = between[3:]
	}
	for i := 0; i < len(between); i += 2 {
		switch id, dir := between[i], between[i+1] != 0; {
		case id == 0:
			return vfs.Entry{}, above, fs.ErrNotExist
		case !dir:
			return vfs.Entry{}, above, vfs.ErrNotDir
		}
		above = append(above, vfs.ID(between[i]))
	}
	if e.ID == 0 {
		return vfs.Entry{}, above, fs.ErrNotExist
	}
	return e, above, nil
}

// descents are the statements of descend, for one step and more; tellingDescents
// are those that tell an aside.
var descents, tellingDescents = descentsOf(""), descentsOf("CASE WHEN EXISTS (SELECT 1 FROM totals) THEN 1 ELSE 0 END, " +
	"CASE WHEN EXISTS (SELECT 1 FROM partials) THEN 1 ELSE 0 END, " +
	"CASE WHEN EXISTS (SELECT 1 FROM released) THEN 1 ELSE 0 END, ")

func descentsOf(first string) (list [stepsMax]string) {
	for i := range list {
		list[i] = descent(i+1, first)
	}
	return list
}

// descent returns the statement for n steps, whose columns begin with first. It
// always gives one row, in which what is missing is 0.
func descent(n int, first string) string {
	var columns, joins strings.Builder
	for i := range n {
		above := "$1"
		if i > 0 {
			above = fmt.Sprintf("e%d.id", i)
		}
		fmt.Fprintf(&joins, " LEFT JOIN entries e%[1]d ON e%[1]d.parent = %[2]s AND e%[1]d.key = $%[3]d", i+1, above, i+2)
		if i < n-1 {
			fmt.Fprintf(&columns, "coalesce(e%d.id, 0), coalesce(e%[1]d.dir, 0), ", i+1)
		}
	}
	fmt.Fprintf(&columns, "coalesce(e%d.id, 0), coalesce(e%[1]d.parent, 0), coalesce(e%[1]d.name, ''), coalesce(e%[1]d.dir, 0), "+
		"coalesce(e%[1]d.blob, ''), coalesce(e%[1]d.inline, 0), coalesce(e%[1]d.size, 0), e%[1]d.sha256, coalesce(e%[1]d.checksums, ''), coalesce(e%[1]d.type, ''), "+
		"coalesce(e%[1]d.modified, 0), coalesce(e%[1]d.created, 0)", n)
	return "SELECT " + first + columns.String() + " FROM (SELECT 1) AS one" + joins.String()
}

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A site is one place of a source file that a mutant changes.
type site struct {
	id         int // FORCEMFATEST_MUTANT
	file       string
	line       int
	function   string
	change     string // what the mutant does
	source     string // the changed text
	start, end int    // offsets in the file
	before     string // inserted at start; %d is the id
	after      string // inserted at end
}

// key names a site by everything except its line, for the list of equivalent mutants.
func (s *site) key() string {
	return strings.Join([]string{s.file, s.function, s.change, s.source}, " | ")
}

// A reader collects the sites of one file.
type reader struct {
	set      *token.FileSet
	file     string
	text     []byte
	function string
	several  bool // the function has several results, so that one call can return them all
	sites    []site
}

// sitesOf returns the sites of a file, in the order of the source.
func sitesOf(root, file string) ([]site, error) {
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return nil, err
	}
	r := reader{set: token.NewFileSet(), file: file, text: text}
	tree, err := parser.ParseFile(r.set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			r.function = f.Name.Name
			r.body(f.Type, f.Body)
		}
	}
	return r.sites, nil
}

// returnsBool reports whether the last result of a function is a bool.
func returnsBool(f *ast.FuncType) bool {
	if f.Results == nil || len(f.Results.List) == 0 {
		return false
	}
	last, ok := f.Results.List[len(f.Results.List)-1].Type.(*ast.Ident)
	return ok && last.Name == "bool"
}

// body walks the body of a function or of a function literal.
func (r *reader) body(f *ast.FuncType, body ast.Node) {
	before := r.several
	r.several = f.Results.NumFields() > 1
	r.walk(body, returnsBool(f))
	r.several = before
}

func (r *reader) walk(n ast.Node, boolean bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			r.body(n.Type, n.Body)
			return false
		case *ast.GenDecl:
			return n.Tok == token.VAR
		case *ast.IfStmt:
			r.add(n.Cond, "condition is never true", "!mutantOn(%d) && (", ")")
			r.add(n.Cond, "condition is always true", "mutantOn(%d) || (", ")")
			for _, part := range []ast.Node{assigned(n.Init), n.Cond, n.Body, n.Else} {
				if part != nil {
					r.walk(part, boolean)
				}
			}
			return false
		case *ast.BinaryExpr:
			r.binary(n)
		case *ast.ReturnStmt:
			if last := len(n.Results) - 1; boolean && last >= 0 && !isCompared(n.Results[last]) {
				if _, call := n.Results[last].(*ast.CallExpr); !call || last == 0 && !r.several {
					r.add(n.Results[last], "result is the opposite", "(", ") != mutantOn(%d)")
				}
			}
		case *ast.ExprStmt:
			if _, call := n.X.(*ast.CallExpr); call && !isPanic(n.X) {
				r.add(n, "statement is left out", "if !mutantOn(%d) { ", " }")
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE && !isBlank(n) {
				r.add(n, "statement is left out", "if !mutantOn(%d) { ", " }")
			}
			return true
		case *ast.BranchStmt:
			if n.Tok == token.CONTINUE {
				r.add(n, "statement is left out", "if !mutantOn(%d) { ", " }")
			}
		case *ast.ForStmt: // an assignment in its head is no statement to leave out
			r.walk(n.Body, boolean)
			return false
		case *ast.SwitchStmt:
			r.walk(n.Body, boolean)
			return false
		}
		return true
	})
}

// assigned is what the head of an if statement assigns: the assignment itself is no
// statement to leave out.
func assigned(head ast.Stmt) ast.Node {
	if a, ok := head.(*ast.AssignStmt); ok && len(a.Rhs) == 1 {
		return a.Rhs[0]
	}
	return nil
}

// isCompared reports whether an expression has sites of its own that change it.
func isCompared(e ast.Expr) bool {
	b, ok := e.(*ast.BinaryExpr)
	return ok && (b.Op == token.EQL || b.Op == token.NEQ)
}

func isPanic(e ast.Expr) bool {
	f, ok := e.(*ast.CallExpr).Fun.(*ast.Ident)
	return ok && f.Name == "panic"
}

func isBlank(n *ast.AssignStmt) bool {
	return slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == "_"
	})
}

// binary adds the mutants of an operator.
func (r *reader) binary(n *ast.BinaryExpr) {
	same := " == "
	x, y := "("+r.source(n.X)+")", "("+r.source(n.Y)+")"
	switch n.Op {
	case token.LAND:
		r.add(n.X, "left side of && is left out", "(mutantOn(%d) || (", "))")
		r.add(n.Y, "right side of && is left out", "(mutantOn(%d) || (", "))")
	case token.LOR:
		r.add(n.X, "left side of || is left out", "(!mutantOn(%d) && (", "))")
		r.add(n.Y, "right side of || is left out", "(!mutantOn(%d) && (", "))")
	case token.EQL, token.NEQ:
		r.add(n, n.Op.String()+" is the opposite", "((", ") != mutantOn(%d))")
	case token.LSS, token.GTR:
		r.add(n, n.Op.String()+" is true of equal values", "(", " || mutantOn(%d) && "+escape(x+same+y)+")")
	case token.LEQ, token.GEQ:
		r.add(n, n.Op.String()+" is false of equal values", "(", " && !(mutantOn(%d) && "+escape(x+same+y)+"))")
	}
}

func escape(text string) string { return strings.ReplaceAll(text, "%", "%%") }

func (r *reader) source(n ast.Node) string {
	return string(r.text[r.set.Position(n.Pos()).Offset:r.set.Position(n.End()).Offset])
}

func (r *reader) add(n ast.Node, change, before, after string) {
	at := r.set.Position(n.Pos())
	r.sites = append(r.sites, site{file: r.file, line: at.Line, function: r.function, change: change, source: strings.Join(strings.Fields(r.source(n)), " "),
		start: at.Offset, end: r.set.Position(n.End()).Offset, before: before, after: after})
}

// choose takes at most n of the sites of a package: spread over them by a hash, so
// that the choice stays while the source around it changes.
func choose(sites []site, n int, seed string) []site {
	hash := func(s *site) uint64 {
		h := fnv.New64a()
		fmt.Fprint(h, seed, s.key())
		return h.Sum64()
	}
	out := slices.Clone(sites)
	slices.SortStableFunc(out, func(a, b site) int {
		if hash(&a) < hash(&b) {
			return -1
		}
		return 1
	})
	out = out[:min(n, len(out))]
	slices.SortStableFunc(out, func(a, b site) int {
		if a.file != b.file {
			return strings.Compare(a.file, b.file)
		}
		return a.start - b.start
	})
	return out
}

// rewritten is the text of a file with the switches of its sites.
func rewritten(text []byte, sites []site) string {
	type insertion struct {
		at, depth, order int // of several at one place, the lowest first
		text             string
	}
	var all []insertion
	for i := range sites {
		s := &sites[i]
		before, after := s.before, s.after
		if strings.Contains(before, "%d") {
			before = fmt.Sprintf(before, s.id)
		}
		if strings.Contains(after, "%d") {
			after = fmt.Sprintf(after, s.id)
		}
		// What ends at a place comes before what begins there, inner ends before outer
		// ends, outer beginnings before inner ones.
		all = append(all, insertion{s.start, 1<<30 + len(text) - s.end, i, before}, insertion{s.end, len(text) - s.start, -i, after})
	}
	slices.SortStableFunc(all, func(a, b insertion) int {
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.depth != b.depth:
			return a.depth - b.depth
		}
		return a.order - b.order
	})
	var out strings.Builder
	from := 0
	for _, n := range all {
		out.Write(text[from:n.at])
		out.WriteString(n.text)
		from = n.at
	}
	out.Write(text[from:])
	return out.String()
}

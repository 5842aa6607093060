package api_test

import (
	"reflect"
	"strings"
	"testing"

	"slipway/gateway/operate"
	"slipway/vfs"
)

func TestDeletions(t *testing.T) {
	w := newWorld(t)
	r := w.ask("GET", "/api/v1/deletions?state=paused&state=deleted&path=/in&destination=host&after=9&limit=2", nil)
	want := operate.DeletionFilter{States: []string{"paused", "deleted"}, Path: "/in", Destination: "host", After: 9, Limit: 2}
	if r.StatusCode != 200 || !strings.Contains(string(r.body), `"brakes":[{"folder":"/in"`) || !strings.Contains(string(r.body), `"next":3`) || !reflect.DeepEqual(w.desk.asked, want) {
		t.Errorf("%d %s, asked %+v", r.StatusCode, r.body, w.desk.asked)
	}
	for _, target := range []string{"?state=done", "?after=x", "?after=0", "?limit=0", "?limit=1001", "?nonsense=1", "?path=%00"} {
		ask := w.askWrong
		if strings.Contains(target, "nonsense") || strings.Contains(target, "path") { // the document lets them pass
			ask = w.ask
		}
		if r := ask("GET", "/api/v1/deletions"+target, nil); r.StatusCode != 400 {
			t.Errorf("%s: %d %s", target, r.StatusCode, r.body)
		}
	}
	if r := w.ask("POST", "/api/v1/deletions/answer", []byte(`{"verb":"refuse","path":"/in"}`), "Content-Type", "application/json"); r.StatusCode != 200 || string(r.body) != `{"changed":21}`+"\n" && string(r.body) != `{"changed":21}` {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	w.ask("POST", "/api/v1/deletions/answer", []byte(`{"verb":"retry","ids":[4]}`), "Content-Type", "application/json")
	if want := []operate.DeletionAnswer{{Verb: operate.Refuse, Path: "/in"}, {Verb: operate.Retry, IDs: []int64{4}}}; !reflect.DeepEqual(w.desk.answers, want) {
		t.Errorf("answered %+v", w.desk.answers)
	}
	for _, body := range []string{`{}`, `{"verb":"drop"}`, `{"verb":"release"}`, `{"verb":"release","ids":[0]}`, `{"verb":"release","all":true}`, `{"verb":"release","path":"/\u0000"}`} {
		ask := w.askWrong
		if body == `{"verb":"release"}` || strings.Contains(body, "path") {
			ask = w.ask
		}
		if r := ask("POST", "/api/v1/deletions/answer", []byte(body), "Content-Type", "application/json"); r.StatusCode != 400 {
			t.Errorf("%s: %d %s", body, r.StatusCode, r.body)
		}
	}
	w.desk.session = &vfs.DropSession{}
	if r := w.ask("POST", "/api/v1/deletions/answer", []byte(`{"verb":"release","path":"/"}`), "Content-Type", "application/json"); r.StatusCode != 403 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if len(w.desk.answers) != 2 {
		t.Errorf("answered %+v", w.desk.answers)
	}
}

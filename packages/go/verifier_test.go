package auth

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

type answer struct {
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

type step struct {
	Now                       int64
	Keys, Method, Path, Scope string
	Headers                   map[string]string
	Gateway                   *answer
	Asks                      map[string]any
	Expect                    map[string]any
}

var data struct {
	Issuer, Audience string
	Keys             map[string]json.RawMessage
	Vectors          []struct {
		Name, Mode string
		Steps      []step
	}
}

func read(t *testing.T) {
	text, err := os.ReadFile("../vectors/verifier.json")
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// standIn is a gateway that answers as the current step says.
type standIn struct {
	current   step
	questions []map[string]any
}

func (s *standIn) RoundTrip(request *http.Request) (*http.Response, error) {
	given := answer{Status: 200, Body: data.Keys[s.current.Keys]}
	if request.URL.Path == "/v1/auth/verify" {
		var question map[string]any
		_ = json.NewDecoder(request.Body).Decode(&question)
		s.questions = append(s.questions, question)
		given = answer{Status: 599}
		if s.current.Gateway != nil {
			given = *s.current.Gateway
		}
	}
	response := &http.Response{StatusCode: given.Status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(given.Body))}
	for name, value := range given.Headers {
		response.Header.Set(name, value)
	}
	return response, nil
}

func requestOf(one step) *http.Request {
	request := httptest.NewRequest(one.Method, one.Path, nil)
	for name, value := range one.Headers {
		request.Header.Set(name, value)
	}
	return request
}

// outcome is in the form that JSON has.
func outcome(v *Verifier, one step) map[string]any {
	caller, err := v.Verify(requestOf(one), one.Scope)
	if err != nil {
		refusal := err.(*Refused)
		found := map[string]any{"status": float64(refusal.Status)}
		if refusal.Code != "" {
			found["error"] = refusal.Code
		}
		return found
	}
	scope := []any{}
	for _, word := range caller.Scope {
		scope = append(scope, word)
	}
	return map[string]any{"status": 200.0, "sub": caller.Subject, "kind": caller.Kind, "scope": scope}
}

func TestVectors(t *testing.T) {
	read(t)
	for _, vector := range data.Vectors {
		t.Run(vector.Mode+": "+vector.Name, func(t *testing.T) {
			gateway := &standIn{}
			v, err := New(Options{
				Issuer: data.Issuer, Audience: data.Audience, Offline: vector.Mode == "offline",
				Client: &http.Client{Transport: gateway},
				Now:    func() time.Time { return time.Unix(gateway.current.Now, 0) },
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range vector.Steps {
				gateway.current, gateway.questions = one, nil
				if found := outcome(v, one); !reflect.DeepEqual(found, one.Expect) {
					t.Errorf("got %v, want %v", found, one.Expect)
				}
				if (len(gateway.questions) > 0) != (one.Gateway != nil) {
					t.Errorf("the gateway was asked %d times", len(gateway.questions))
				}
				for name, value := range one.Asks {
					if !reflect.DeepEqual(gateway.questions[0][name], value) {
						t.Errorf("asked %v", gateway.questions[0])
					}
				}
			}
		})
	}
}

func TestProtect(t *testing.T) {
	read(t)
	one := data.Vectors[0].Steps[0]
	gateway := &standIn{current: one}
	v, err := New(Options{
		Issuer: data.Issuer, Audience: data.Audience, Offline: true, Client: &http.Client{Transport: gateway},
		Now: func() time.Time { return time.Unix(one.Now, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := v.Protect("notes:read", http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_, _ = io.WriteString(w, CallerOf(request).Subject)
	}))
	fine, none := httptest.NewRecorder(), httptest.NewRecorder()
	handler.ServeHTTP(fine, requestOf(one))
	handler.ServeHTTP(none, httptest.NewRequest("GET", "/notes", nil))
	if fine.Code != 200 || fine.Body.String() != one.Expect["sub"] {
		t.Errorf("got %d %s", fine.Code, fine.Body)
	}
	if none.Code != 401 || !strings.HasPrefix(none.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("got %d %v", none.Code, none.Header())
	}
}

func TestLive(t *testing.T) {
	issuer := os.Getenv("LIVE_ISSUER")
	if issuer == "" {
		t.Skip("without a gateway")
	}
	v, err := New(Options{Issuer: issuer, Audience: os.Getenv("LIVE_AUDIENCE")})
	if err != nil {
		t.Fatal(err)
	}
	found := []any{}
	for _, token := range strings.Fields(os.Getenv("LIVE_TOKENS")) {
		headers := map[string]string{"Authorization": "Bearer " + token}
		found = append(found, outcome(v, step{Method: "GET", Path: "/", Headers: headers})["status"])
	}
	if !reflect.DeepEqual(found, []any{200.0, 401.0}) {
		t.Errorf("got %v", found)
	}
}

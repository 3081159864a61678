package auth

import (
	"encoding/json"
	"net/http"
	"strings"
)

const algorithms = `algs="ES256 ES384 PS256 RS256 EdDSA Ed25519"`

// Refused is why a request is refused, with what to answer (RFC 6750 section 3.1).
type Refused struct {
	Status int
	// Code is empty if the request had no credentials.
	Code    string
	Message string
	Header  http.Header
}

func (r *Refused) Error() string { return r.Message }

// Write writes the error response.
func (r *Refused) Write(w http.ResponseWriter) {
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	body := map[string]string{}
	if r.Code != "" {
		body = map[string]string{"error": r.Code, "error_description": r.Message}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.Status)
	_ = json.NewEncoder(w).Encode(body)
}

func refused(status int, code, message, challenge string) *Refused {
	header := http.Header{}
	if challenge != "" {
		header.Set("WWW-Authenticate", challenge)
	}
	return &Refused{status, code, message, header}
}

func challenge(scheme string, parameters ...string) string {
	if scheme == "DPoP" {
		parameters = append(parameters, algorithms)
	}
	return scheme + " " + strings.Join(parameters, ", ")
}

func unauthenticated() *Refused {
	return refused(401, "", "Authentication required", "Bearer, DPoP "+algorithms)
}

func invalidRequest(message string) *Refused {
	return refused(400, "invalid_request", message, challenge("Bearer", `error="invalid_request"`))
}

func invalidToken(reason, scheme string) *Refused {
	return refused(401, "invalid_token", reason, challenge(scheme, `error="invalid_token"`))
}

func insufficientScope(needed []string, scheme string) *Refused {
	scope := strings.Join(needed, " ")
	parameters := challenge(scheme, `error="insufficient_scope"`, `scope="`+scope+`"`)
	return refused(403, "insufficient_scope", "This needs the scope "+scope+".", parameters)
}

// unavailable: a failure of the server or the gateway is never reported as invalid credentials.
func unavailable() *Refused {
	return refused(503, "temporarily_unavailable", "Credentials cannot be checked at the moment.", "")
}

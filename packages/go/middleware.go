package auth

import (
	"context"
	"errors"
	"net/http"
)

type callerKey struct{}

// Protect lets requests through to next whose caller has one or more scopes, separated by spaces. Read the caller with CallerOf.
func (v *Verifier) Protect(scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		caller, err := v.Verify(request, scope)
		if err != nil {
			refusal := unavailable()
			errors.As(err, &refusal)
			refusal.Write(w)
			return
		}
		next.ServeHTTP(w, request.WithContext(context.WithValue(request.Context(), callerKey{}, caller)))
	})
}

// CallerOf returns the caller of a request that Protect let through, otherwise nil.
func CallerOf(request *http.Request) *Caller {
	caller, _ := request.Context().Value(callerKey{}).(*Caller)
	return caller
}

module github.com/lanonasis/auth-go

go 1.19

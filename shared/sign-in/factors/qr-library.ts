// Only the page that sets up an authenticator app loads it.
export { default as encodeQr } from 'qr'

// Loaded before a program that offers no choice of address: its servers listen on the loopback interface.
import { Server } from 'node:net'

const { listen } = Server.prototype
Server.prototype.listen = function (target, ...rest) {
  if (typeof target === 'number') return listen.call(this, { port: target, host: 'localhost' }, ...rest)
  return listen.call(this, target?.port === undefined ? target : { host: 'localhost', ...target }, ...rest)
}

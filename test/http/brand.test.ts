import { describe, expect, it } from 'vitest'
import { deploymentBrand, loadConfig, messageBrand } from '../../shared/config.ts'

const env = { DATABASE_URL: 'postgres://127.0.0.1/auth', NODE_ENV: 'test' }
const SVG = `data:image/svg+xml;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64')}`

describe('the brand of a deployment', () => {
  it('is ours by default, and messages name none', () => {
    const config = loadConfig(env)
    expect(deploymentBrand(config)).toEqual({ name: 'LanOnasis', logo: undefined, isOurs: true, colours: undefined })
    expect(messageBrand(config)).toBeUndefined()
  })

  it('is the configured name, logo and colours, on pages and in messages', () => {
    const config = loadConfig({ ...env, BRAND_NAME: 'v-secure', BRAND_LOGO: SVG, BRAND_COLOURS: '#1A2B3C,#9fc4ff' })
    const colours = { light: '#1a2b3c', dark: '#9fc4ff' }
    expect(deploymentBrand(config)).toEqual({ name: 'v-secure', logo: SVG, isOurs: false, colours })
    expect(messageBrand(config)).toEqual({ name: 'v-secure', colour: '#1a2b3c' })
  })

  it.each([
    ['BRAND_NAME', 'evil.example'],
    ['BRAND_NAME', '<b>x</b>'],
    ['BRAND_COLOURS', '#0b5c52'],
    ['BRAND_COLOURS', '#ffe14a,#6fd3c1'],
    ['BRAND_COLOURS', '#0b5c52,#333333'],
    ['BRAND_COLOURS', '#0b5c52,red;background:url(x)'],
    ['BRAND_LOGO', 'https://logo.example/x.svg'],
    ['BRAND_LOGO', `data:image/png;base64,${'A'.repeat(17_000)}`],
  ])('refuses to start with %s=%s', (name, value) => {
    expect(() => loadConfig({ ...env, [name]: value })).toThrow(`${name}: must be`)
  })
})

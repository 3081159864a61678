const POLL_MS = 1500
const status = document.getElementById('status')

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('button.copy')
  if (!button) return
  const copied = await copy(button.dataset.code)
  button.textContent = copied ? 'Copied' : 'Not copied'
  status.textContent = copied ? `Code ${button.dataset.code} copied` : 'The browser does not allow copying'
  setTimeout(() => {
    button.textContent = 'Copy'
  }, 2000)
})

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

async function newestId() {
  const query = new URLSearchParams(location.search)
  query.set('limit', '1')
  const response = await fetch(`/messages.json?${query}`)
  const [newest] = await response.json()
  return newest?.id ?? ''
}

async function refresh() {
  const newest = await newestId()
  if (newest === document.body.dataset.newest) return
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html')
  replace('#list .messages, #list .empty', page)
  if (document.body.classList.contains('list')) replace('#opened', page)
  document.body.dataset.newest = newest
  status.textContent = 'The list of messages has changed'
}

function replace(selector, page) {
  const [here, there] = [document.querySelector(selector), page.querySelector(selector)]
  if (here && there) here.replaceWith(there)
}

async function watch() {
  try {
    if (!document.hidden) await refresh()
    document.body.classList.remove('offline')
  } catch {
    document.body.classList.add('offline')
  }
  setTimeout(watch, POLL_MS)
}

setTimeout(watch, POLL_MS)

// What a mail client does in the person's name (RFC 8058), and what its link shows afterwards.
import assert from 'node:assert/strict'

export default {
  name: 'one-click',
  brand: 'maison',
  async run(visit) {
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await fetch(visit.link, {
        method: 'POST',
        redirect: 'error',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'List-Unsubscribe=One-Click',
      })
      assert.equal(answer.status, 200)
      assert.equal(await answer.text(), 'OK\n')
      assert.equal(answer.headers.get('set-cookie'), null)
    }
    await visit.open()
    await visit.says(visit.say('C’est fait', 'Done'))
    await visit.check('done')
  },
}

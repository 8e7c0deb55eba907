// From "why this message" to one's data, a correction, and the erasure of everything.
import assert from 'node:assert/strict'

export default {
  name: 'my-data',
  brand: 'maison',
  async run(visit) {
    const { page, server, language } = visit
    const address = `${visit.id}@mail.example.com`
    const why = await server.mailed(address, 'w')
    await visit.open(why)
    await visit.says(visit.say('Pourquoi ce message', 'Why this message'))
    await visit.check('why')
    await visit.press(visit.say('M’envoyer le lien pour voir', 'Send me the link to see'))
    await visit.check('asked')

    await visit.open(await server.mailed(address, 'a'))
    await visit.check('door')
    await visit.press(visit.say('Afficher', 'Show'))
    await visit.says(address)
    await visit.check('data')
    const keep = visit.say('Garder la preuve n° 1', 'Keep the proof no. 1')
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: keep, exact: true }).click()
    assert.equal((await saved).suggestedFilename(), 'consent-receipt-1.json')
    await visit.press(visit.say('Corriger ou interdire', 'Correct or forbid'))
    await visit.check('correct')
    const home = visit.say('Code postal du domicile', 'Postcode of my home')
    await page.getByLabel(home, { exact: true }).fill('69003')
    await visit.press(visit.say(`Enregistrer (${home})`, `Save (${home})`))
    await visit.says(visit.say('Aucun fichier de la marque ne pourra le défaire', 'No file of the brand can undo it'))
    await visit.check('corrected')
    await visit.press(visit.say('Ne plus rien utiliser pour choisir mes offres', 'Use nothing any more to choose my offers'))
    await visit.says(visit.say('Vous refusez que', 'You forbid that'))

    await visit.open(why.replace('/w/', '/d/'))
    await visit.check('ask')
    await visit.press(visit.say('M’envoyer le lien (Effacer mes données)', 'Send me the link (Erase my data)'))
    const erase = await server.mailed(address, 'e')
    await visit.open(erase)
    await visit.check('erase')
    await visit.press(visit.say('Tout effacer, définitivement', 'Erase everything, for good'))
    await visit.says(visit.say('Certificat d’effacement', 'Certificate of erasure'))
    await visit.check('erased')

    // Nothing says any more which language they read, so it is the browser's.
    visit.language = language === 'fr' ? 'en' : 'fr'
    await visit.open(erase)
    await visit.check('ended', 410)
    await visit.open()
    await visit.says(visit.say('Vous ne recevez rien', 'You receive nothing'))
    await visit.check('nobody')
  },
}

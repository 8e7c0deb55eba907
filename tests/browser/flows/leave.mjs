// From the message's link: leave the topic, undo, leave another channel, stop everything and come back.
export default {
  name: 'leave',
  brand: 'maison',
  async run(visit) {
    await visit.open()
    await visit.says(visit.say('Ne plus recevoir « Offres » par e-mail ?', 'Stop receiving “Offers” by e-mail?'))
    await visit.check('opened')
    await visit.press(visit.say('Me désinscrire', 'Unsubscribe'))
    await visit.says(visit.say('C’est fait', 'Done'))
    await visit.check('left')
    await visit.press(visit.say('C’était une erreur, annuler', 'That was a mistake, undo'))
    await visit.says(visit.say('C’est annulé', 'Undone'))
    await visit.check('undone')
    await visit.open()
    await visit.press(visit.say('Arrêter « Offres » par SMS', 'Stop “Offers” by text message'))
    await visit.says(visit.say('par SMS', 'by text message'))
    await visit.open()
    await visit.press(visit.say('Tout arrêter', 'Stop everything'))
    await visit.says(visit.say('plus aucune offre', 'no more offers'))
    await visit.check('everything')
    await visit.press(visit.say('Voir tous mes choix', 'See all my choices'), 'link')
    await visit.says(visit.say('de tout arrêter', 'to stop everything'))
    await visit.check('choices')
  },
}

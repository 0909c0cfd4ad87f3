// The page's own words, in English, Spanish or Portuguese: what was chosen here, else the browser's language.
// What the bot writes has its own language, which depends on the person.

const CHOSEN = "tombola-phone-language";
export const LANGUAGES = ["en", "es", "pt"];
const wished = [localStorage.getItem(CHOSEN), ...navigator.languages].map((tag) => tag?.slice(0, 2).toLowerCase());
export const language = wished.find((code) => LANGUAGES.includes(code)) ?? "en";
// For dates: the reader's own country, if that goes with the words.
export const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

// English: [Spanish, Portuguese]
const WORDS = {
  // The page
  "Skip to writing a message": ["Ir a escribir un mensaje", "Ir para escrever uma mensagem"],
  "Tombola phone": ["Teléfono de Tombola", "Telefone do Tombola"],
  "Phones": ["Teléfonos", "Telefones"],
  "Choose a phone. Everybody here writes to the same raffle number.": ["Elige un teléfono. Todos escriben al mismo número de rifas.", "Escolha um telefone. Todos escrevem para o mesmo número de rifas."],
  "A stand-in for WhatsApp. Nothing leaves this machine.": ["Hace las veces de WhatsApp. Nada sale de esta computadora.", "Faz as vezes do WhatsApp. Nada sai deste computador."],
  "Language of this page": ["Idioma de esta página", "Idioma desta página"],
  "Messages": ["Mensajes", "Mensagens"],
  "Newest message": ["Mensaje más reciente", "Mensagem mais recente"],
  "Write a message": ["Escribe un mensaje", "Escreva uma mensagem"],
  "Attach": ["Adjuntar", "Anexar"],
  "Message": ["Mensaje", "Mensagem"],
  "Send": ["Enviar", "Enviar"],
  "Close": ["Cerrar", "Fechar"],
  // People
  "Organiser": ["Organizador", "Organizador"],
  "Gets payment notifications": ["Recibe los avisos de pagos", "Recebe os avisos de pagamentos"],
  "Buys numbers": ["Compra números", "Compra números"],
  "Buys numbers, phone number hidden": ["Compra números, con el teléfono oculto", "Compra números, com o telefone oculto"],
  "24 h window closed": ["ventana de 24 h cerrada", "janela de 24 h fechada"],
  "Tombola may write until {time}": ["Tombola puede escribir hasta: {time}", "O Tombola pode escrever até: {time}"],
  "Tombola may send only templates until this person writes": ["Tombola solo puede mandar plantillas hasta que esta persona escriba", "O Tombola só pode enviar modelos até esta pessoa escrever"],
  "{name}, {count} unread": ["{name}, {count} sin leer", "{name}, {count} não lidas"],
  "Tombola is typing…": ["Tombola está escribiendo…", "O Tombola está digitando…"],
  "typing…": ["escribiendo…", "digitando…"],
  "You: {text}": ["Tú: {text}", "Você: {text}"],
  // An empty chat
  "The organiser’s phone": ["El teléfono del organizador", "O telefone do organizador"],
  "You are {name}": ["Eres {name}", "Você é {name}"],
  "New payment proofs are announced here. Write something first, to open the 24-hour window.": ["Aquí se avisa de los comprobantes nuevos. Escribe algo primero, para abrir la ventana de 24 horas.", "Aqui chegam os avisos de comprovantes novos. Escreva algo primeiro, para abrir a janela de 24 horas."],
  "Write {menu} to start. Pick numbers, pay, and attach the example receipt.": ["Escribe {menu} para empezar. Elige números, paga y adjunta el recibo de ejemplo.", "Escreva {menu} para começar. Escolha números, pague e anexe o recibo de exemplo."],
  "Send “menu”": ["Enviar “menu”", "Enviar “menu”"],
  // Messages
  "You": ["Tú", "Você"],
  "Today": ["Hoy", "Hoje"],
  "Yesterday": ["Ayer", "Ontem"],
  "Photo": ["Foto", "Foto"],
  "Photo without caption": ["Foto sin texto", "Foto sem legenda"],
  "Photo not found": ["No se encontró la foto", "Foto não encontrada"],
  "Photo from a link": ["Foto de un enlace", "Foto de um link"],
  "Document": ["Documento", "Documento"],
  "Video": ["Video", "Vídeo"],
  "Audio": ["Audio", "Áudio"],
  "Location": ["Ubicación", "Localização"],
  "Template: {name}": ["Plantilla: {name}", "Modelo: {name}"],
  "The wording is stored at Meta, language {code}": ["El texto está guardado en Meta, idioma {code}", "O texto está guardado na Meta, idioma {code}"],
  "Sending": ["Enviando", "Enviando"],
  "Delivered": ["Entregado", "Entregue"],
  "Read": ["Leído", "Lido"],
  "Not delivered": ["No entregado", "Não entregue"],
  "Not delivered yet, trying again.": ["Aún no se entrega. Se intenta de nuevo.", "Ainda não foi entregue. Tentando de novo."],
  "Try again": ["Reintentar", "Tentar de novo"],
  "Tombola is typing": ["Tombola está escribiendo", "O Tombola está digitando"],
  "Reaction {emoji}": ["Reacción {emoji}", "Reação {emoji}"],
  "Reply to this message": ["Responder a este mensaje", "Responder a esta mensagem"],
  "Go to the quoted message": ["Ir al mensaje citado", "Ir para a mensagem citada"],
  "An earlier message": ["Un mensaje anterior", "Uma mensagem anterior"],
  "Send an example location": ["Enviar una ubicación de ejemplo", "Enviar uma localização de exemplo"],
  "{button} (forms are not supported here)": ["{button} (aquí no hay formularios)", "{button} (aqui não há formulários)"],
  // Attachments
  "Photo or PDF": ["Foto o PDF", "Foto ou PDF"],
  "JPEG, PNG, WebP or PDF from this computer": ["JPEG, PNG, WebP o PDF de esta computadora", "JPEG, PNG, WebP ou PDF deste computador"],
  "Example receipt": ["Recibo de ejemplo", "Recibo de exemplo"],
  "A made-up bank receipt": ["Un recibo de banco inventado", "Um recibo de banco inventado"],
  "The same receipt again": ["El mismo recibo otra vez", "O mesmo recibo outra vez"],
  "To see that a reused proof is detected": ["Para ver que se nota un comprobante repetido", "Para ver que um comprovante repetido é notado"],
  "A file must have between 1 byte and 100 MB.": ["Un archivo debe tener entre 1 byte y 100 MB.", "Um arquivo precisa ter entre 1 byte e 100 MB."],
  "Add a caption": ["Añade un texto", "Adicione uma legenda"],
  "Remove the quote": ["Quitar la cita", "Tirar a citação"],
  "Remove the attachment": ["Quitar el archivo", "Tirar o anexo"],
  // The example receipt
  "Example Bank": ["Banco de Ejemplo", "Banco de Exemplo"],
  "Transfer completed": ["Transferencia realizada", "Transferência realizada"],
  "Amount": ["Monto", "Valor"],
  "Reference": ["Referencia", "Referência"],
  "Description": ["Concepto", "Descrição"],
  "Date": ["Fecha", "Data"],
  "To account": ["A la cuenta", "Para a conta"],
  "Raffle numbers": ["Números de rifa", "Números da rifa"],
  "An example. No money was moved.": ["Un ejemplo. No se movió dinero.", "Um exemplo. Nenhum dinheiro foi movido."],
  // Trouble
  "The server of this page does not answer. Is it still running?": ["El servidor de esta página no responde. ¿Sigue en marcha?", "O servidor desta página não responde. Ainda está rodando?"],
  "The server of this page does not answer. Trying again.": ["El servidor de esta página no responde. Se intenta de nuevo.", "O servidor desta página não responde. Tentando de novo."],
  "The server of this page answered {status}.": ["El servidor de esta página respondió {status}.", "O servidor desta página respondeu {status}."],
  "{trouble} Your messages will be sent as soon as it answers.": ["{trouble} Tus mensajes se enviarán en cuanto responda.", "{trouble} Suas mensagens serão enviadas assim que ela responder."],
};

// A text in the page's language, with values in the places of their {names}. A place without a value stays.
export function say(english, values = {}) {
  const text = language === "en" ? english : WORDS[english]?.[language === "es" ? 0 : 1] ?? english;
  return text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

// Translates what stands in index.html, and offers the other languages.
export function translatePage() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.textContent);
  for (const name of ["aria-label", "placeholder"])
    for (const node of document.querySelectorAll(`[${name}]`)) node.setAttribute(name, say(node.getAttribute(name)));
  const choice = document.getElementById("language");
  choice.value = language;
  choice.addEventListener("change", () => {
    localStorage.setItem(CHOSEN, choice.value);
    location.reload();
  });
}

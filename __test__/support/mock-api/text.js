// Separates what the user wrote from what a CLI adds to the conversation in the user's name.
'use strict'

// Context such as <environment_context> or <system-reminder>, and the AGENTS.md preamble, come as user text.
const ADDED_BY_CLI = /^\s*(?:<[a-z][\w-]*>|# AGENTS\.md)/i

/** @param {string} text */
function isUserText(text) {
  return text.trim() !== '' && !ADDED_BY_CLI.test(text)
}

/**
 * The text of a content field that is a string or a list of parts with a `text`.
 * @param {any} content
 * @returns {string[]}
 */
function textParts(content) {
  if (typeof content === 'string') return [content]
  if (!Array.isArray(content)) return []
  return content.filter((part) => typeof part?.text === 'string').map((part) => part.text)
}

// "Script completed … Output:" and "Chunk ID … Output:" before, reminders after: for the model, not the command's.
const BEFORE_OUTPUT = /^(?:Script |Chunk ID: )[\s\S]*?\nOutput:\n+/
const AFTER_OUTPUT = /\s*<system-reminder>[\s\S]*<\/system-reminder>\s*$/

/**
 * What the command itself wrote.
 * @param {any} content  of a tool's result
 * @returns {string}
 */
function commandOutput(content) {
  return textParts(content).join('\n').replace(BEFORE_OUTPUT, '').replace(AFTER_OUTPUT, '')
}

module.exports = { commandOutput, isUserText, textParts }

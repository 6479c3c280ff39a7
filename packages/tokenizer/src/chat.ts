export { type EncodedChat, encodeChatWithMask } from "./chat/assistant-mask.ts";
export { type ChatMessage, ChatTemplate, type RenderChatOptions } from "./chat/chat-template.ts";
export { encodeChat } from "./chat/encode-chat.ts";
export { TemplateError } from "./chat/errors.ts";
export { type ChatTemplateFiles, chatTemplateFromFiles } from "./chat/read-template.ts";

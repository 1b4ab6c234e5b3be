/**
 * Post the answer to the relying party at once. Without this file the button does it.
 */

document.getElementById("answer").submit();

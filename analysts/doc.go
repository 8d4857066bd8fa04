// Package analysts lists all analysts: they read the read models and propose improvements, each with its evidence. No
// analyst needs an LLM.
package analysts

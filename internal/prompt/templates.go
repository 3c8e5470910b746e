package prompt

// Texts that several templates share. They are part of what the checkpoints were trained on, so every character counts.
const (
	curiousHuman = "A chat between a curious human and an artificial intelligence assistant. " +
		"The assistant gives helpful, detailed, and polite answers to the human's questions."
	curiousUser = "A chat between a curious user and an artificial intelligence assistant. " +
		"The assistant gives helpful, detailed, and polite answers to the user's questions."
	tagFormat  = "The visual content will be provided with the following format: <Image>visual content</Image>."
	taggedUser = "A chat between a curious user and an artificial intelligence assistant. " +
		"The assistant is able to understand the visual content that the user provides, " +
		"and assist the user with a variety of tasks using natural language." + tagFormat
	visionAssistant = "You are a helpful language and vision assistant. " +
		"You are able to understand the visual content that the user provides, " +
		"and assist the user with a variety of tasks using natural language."
	visualContent = "Answer the questions about the visual content that the user provides."
	llama2Safety  = "You are a helpful, respectful and honest assistant. " +
		"Always answer as helpfully as possible, while being safe.  " +
		"Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. " +
		"Please ensure that your responses are socially unbiased and positive in nature.\n\n" +
		"If a question does not make any sense, or is not factually coherent, " +
		"explain why instead of answering something not correct. " +
		"If you don't know the answer to a question, please don't share false information."
	chatMLSystem = "<|im_start|>system\n"
)

var (
	vicunaRoles = [2]string{"USER", "ASSISTANT"}
	humanRoles  = [2]string{"Human", "Assistant"}
	chatMLRoles = [2]string{"<|im_start|>user\n", "<|im_start|>assistant\n"}
	qwenRoles   = [2]string{"<|im_start|>user", "<|im_start|>assistant"}
)

// energyExample is the conversation with which the oldest template opens.
var energyExample = [2]string{
	"What are the key differences between renewable and non-renewable energy sources?",
	"Renewable energy sources are those that can be replenished naturally in a relatively short amount of time, " +
		"such as solar, wind, hydro, geothermal, and biomass. Non-renewable energy sources, on the other hand, " +
		"are finite and will eventually be depleted, such as coal, oil, and natural gas. " +
		"Here are some key differences between renewable and non-renewable energy sources:\n" +
		"1. Availability: Renewable energy sources are virtually inexhaustible, " +
		"while non-renewable energy sources are finite and will eventually run out.\n" +
		"2. Environmental impact: Renewable energy sources have a much lower environmental impact " +
		"than non-renewable sources, which can lead to air and water pollution, greenhouse gas emissions, " +
		"and other negative effects.\n" +
		"3. Cost: Renewable energy sources can be more expensive to initially set up, " +
		"but they typically have lower operational costs than non-renewable sources.\n" +
		"4. Reliability: Renewable energy sources are often more reliable " +
		"and can be used in more remote locations than non-renewable sources.\n" +
		"5. Flexibility: Renewable energy sources are often more flexible " +
		"and can be adapted to different situations and needs, " +
		"while non-renewable sources are more rigid and inflexible.\n" +
		"6. Sustainability: Renewable energy sources are more sustainable over the long term, " +
		"while non-renewable sources are not, and their depletion can lead to economic and social instability.\n",
}

// templates lists every template of the two repositories, and the llava-hf prompt of LLaVA-1.5.
var templates = []Template{
	{Name: "default", Style: Single, System: curiousHuman, Roles: humanRoles, Sep: "###", Example: energyExample},
	{Name: "v0", Style: Single, System: curiousHuman, Roles: humanRoles, Sep: "###", Example: energyExample},
	{Name: "llava_v0", Style: Single, System: curiousHuman, Roles: humanRoles, Sep: "###"},
	{Name: "v0_mmtag", Style: Single, System: taggedUser, Roles: humanRoles, Sep: "###"},
	{Name: "llava_v0_mmtag", Style: Single, System: taggedUser, Roles: humanRoles, Sep: "###"},

	{Name: "v1", Style: Two, System: curiousUser, Roles: vicunaRoles, Sep: " ", Sep2: "</s>"},
	{Name: "vicuna_v1", Style: Two, System: curiousUser, Roles: vicunaRoles, Sep: " ", Sep2: "</s>"},
	{Name: "llava_v1", Style: Two, System: curiousHuman, Roles: vicunaRoles, Sep: " ", Sep2: "</s>"},
	{Name: "v1_mmtag", Style: Two, System: taggedUser, Roles: vicunaRoles, Sep: " ", Sep2: "</s>"},
	{Name: "llava_v1_mmtag", Style: Two, System: taggedUser, Roles: vicunaRoles, Sep: " ", Sep2: "</s>"},
	{Name: "llava_hf", Style: Two, Roles: vicunaRoles, Sep: " ", Sep2: "</s>", NoSystemSep: true},

	{Name: "llama_2", Style: Llama2, System: llama2Safety, Roles: vicunaRoles, Sep: "<s>", Sep2: "</s>"},
	{Name: "llava_llama_2", Style: Llama2, System: visionAssistant, Roles: vicunaRoles, Sep: "<s>", Sep2: "</s>"},
	{Name: "llava_llama_2_simple", Style: Llama2, System: visualContent, Roles: vicunaRoles, Sep: "<s>", Sep2: "</s>"},
	{Name: "llava_llama_2_mmtag", Style: Llama2, System: visualContent + tagFormat, Roles: vicunaRoles, Sep: "<s>", Sep2: "</s>"},
	{Name: "mistral_instruct", Style: Llama2, Roles: vicunaRoles, Sep2: "</s>"},
	{Name: "llava_mistral_instruct", Style: Llama2, Roles: vicunaRoles, Sep2: "</s>"},

	{Name: "mpt", Style: MPT, System: chatMLSystem + "A conversation between a user and an LLM-based AI assistant. " +
		"The assistant gives helpful and honest answers.", Roles: chatMLRoles, Sep: "<|im_end|>"},
	{Name: "chatml_direct", Style: MPT, System: chatMLSystem + "Answer the questions.", Roles: chatMLRoles, Sep: "<|im_end|>"},
	{Name: "mistral_direct", Style: MPT, System: chatMLSystem + "Answer the questions.", Roles: chatMLRoles, Sep: "<|im_end|>"},
	{Name: "mistral_orca", Style: MPT, System: chatMLSystem + "You are MistralOrca, a large language model trained by Alignment Lab AI. " +
		"Write out your reasoning step-by-step to be sure you get the right answers!", Roles: chatMLRoles, Sep: "<|im_end|>"},
	{Name: "mistral_zephyr", Style: MPT, System: "<|system|>\nYou are a helpful AI assistant.",
		Roles: [2]string{"<|user|>\n", "<|assistant|>\n"}, Sep: "</s>"},

	{Name: "qwen_1_5", Style: ChatML, System: chatMLSystem + "You are a helpful assistant.", Roles: qwenRoles, Sep: "<|im_end|>"},
	{Name: "qwen_2", Style: ChatML, System: chatMLSystem + "You are a helpful assistant.", Roles: qwenRoles, Sep: "<|im_end|>"},
	{Name: "qwen_2_5", Style: ChatML, System: chatMLSystem + "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
		Roles: qwenRoles, Sep: "<|im_end|>"},

	{Name: "llava_llama_3", Style: Llama3, System: visionAssistant, Roles: [2]string{"user", "assistant"}, Sep: "<|eot_id|>",
		StopTokens: []int{128009},
		Unverified: "rendered by the published chat format; the reference calls the template of a gated tokenizer"},
	{Name: "gemma_instruct", Style: Gemma, Roles: [2]string{"<start_of_turn>user\n", "<start_of_turn>model\n"}, Sep: "<end_of_turn>\n"},
	{Name: "plain", Style: Plain, Sep: "\n"},
	{Name: "v0_plain", Style: Plain, Sep: "\n"},
}

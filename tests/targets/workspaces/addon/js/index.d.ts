export declare function words(text: string): number;

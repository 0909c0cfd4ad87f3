/** How a file fills its frame. */

export interface Size {
  width: number;
  height: number;
}

/** Return the scale at which a file fills its frame, lying as it does. */
export function fitting(file: Size, frame: Size, turn: number): number {
  const [width, height] = turn % 2 === 0 ? [file.width, file.height] : [file.height, file.width];
  if (!width || !height || !frame.width || !frame.height) return 1;
  return Math.min(frame.width / width, frame.height / height);
}

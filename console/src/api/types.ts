/** The forms of the REST API, as far as the console reads them. `/api/docs` describes them. */

export type OrderStatus =
  | "DRAFT"
  | "PENDING_PAYMENT"
  | "IN_REVIEW"
  | "PAID"
  | "EXPIRED"
  | "CANCELLED"
  | "LATE"
  | "REFUNDED";
export type RaffleStatus = "DRAFT" | "ACTIVE" | "INACTIVE" | "CLOSED" | "DRAWN" | "CANCELLED";
export type TicketStatus = "AVAILABLE" | "RESERVED" | "SOLD";

export interface Availability {
  total: number;
  available: number;
  reserved: number;
  sold: number;
}

export interface Proof {
  mime_type: string;
  size: number;
  sha256: string;
  received_at: string;
  same_file_as: string | null;
  looks_like: string | null;
}

export interface ProofLink extends Proof {
  url: string;
  url_expires_at: string;
}

/** The newest proof, and the ones before it. */
export interface Proofs extends ProofLink {
  earlier: ProofLink[];
}

export interface RaffleBrief {
  id: string;
  code: string;
  title: string;
  status: RaffleStatus;
  first_number: number;
  last_number: number;
}

export interface ContactBrief {
  id: string;
  name: string;
  phone: string | null;
}

export interface Order {
  id: string;
  etag?: string | null;
  raffle: string;
  contact: string;
  numbers: number[];
  quantity: number;
  unit_amount: number;
  amount: number;
  currency: string;
  status: OrderStatus;
  reserved_until: string | null;
  proof: Proof | null;
  created_at: string;
  updated_at: string;
  paid_at: string | null;
  late: boolean;
  extended_at: string | null;
  rejected_at: string | null;
  rejected_reason: string | null;
  rejections: number;
  in_review_since: string | null;
  reassigned_at: string | null;
  refunded_at: string | null;
  refund_reason: string | null;
  hold_was_over: boolean;
  reviewer: string | null;
  reviewing_until: string | null;
  expanded: { raffle: RaffleBrief | null; contact: ContactBrief | null } | null;
}

export interface Raffle {
  id: string;
  etag?: string | null;
  title: string;
  description: string;
  prize: string;
  unit_amount: number;
  currency: string;
  first_number: number;
  last_number: number;
  hold_minutes: number | null;
  max_per_contact: number | null;
  draws_at: string | null;
  opens_at: string | null;
  closes_at: string | null;
  organiser: { name: string; contact: string | null } | null;
  permit: { authority: string; number: string } | null;
  picture: { mime_type: string; size: number } | null;
  language: "en" | "es" | "pt" | null;
  draw_method: string;
  rules_url: string | null;
  minimum_age: number | null;
  payment_instructions: string;
  code: string;
  status: RaffleStatus;
  time_zone: string;
  created_at: string;
  updated_at: string;
  expanded: { availability: Availability } | null;
}

export interface Contact {
  id: string;
  etag?: string | null;
  name: string;
  phone: string | null;
  language: "en" | "es" | "pt";
  state: "IDLE" | "BROWSING" | "SELECTING" | "CONFIRMING" | "PAYMENT";
  context: { raffle: string | null; order: string | null };
  blocked_at: string | null;
  opted_out: boolean;
  person_wanted_at: string | null;
  bot_paused: boolean;
  bot_paused_until: string | null;
  bot_paused_by: string | null;
  last_heard_at: string | null;
  window_until: string | null;
  erased_at: string | null;
  created_at: string | null;
}

export type DeliveryState =
  | "PENDING"
  | "UNKNOWN"
  | "ACCEPTED"
  | "SENT"
  | "DELIVERED"
  | "READ"
  | "FAILED"
  | "WITHHELD";

export interface Message {
  id: string;
  direction: "in" | "out";
  at: string;
  kind: string;
  text: string;
  choices: string[];
  media: string | null;
  has_file: boolean;
  state: DeliveryState | null;
  error_code: number | null;
  error: string | null;
  by: string | null;
}

export interface Waiting {
  count: number;
  oldest_at: string | null;
  is_complete: boolean;
}

export interface Sending {
  stopped: "unasked" | "all" | null;
  code: number | null;
  since: string | null;
  resumes_at: string | null;
  silent_since: string | null;
}

export interface Part {
  orders: number;
  numbers: number;
  amount: number;
}

export interface Sales {
  today: Part;
  last_7_days: Part;
}

export interface Stats {
  made_at: string;
  raffles: Record<string, Waiting | number>;
  active: {
    id: string;
    title: string;
    code: string;
    currency: string;
    availability: Availability;
    paid: number;
    in_review: Part;
    reserved: Part;
    sales: Sales;
  }[];
  orders: Record<string, Waiting | number>;
  people_waiting: Waiting;
  undelivered: Waiting;
  dead_letters: Waiting;
  sending: Sending;
  understanding: { people: number; messages: number; not_understood: number; share: number | null };
  reviews: { under_an_hour: number; under_a_day: number; longer: number; overdue: number };
  holds_ending: { count: number; first_until: string | null };
  sales: (Sales & { currency: string })[];
  sales_are_complete: boolean;
  alarms: { code: string; since: string | null; text: string }[];
}

export interface Listed<T> {
  results: T[];
  next: string | null;
  previous: string | null;
}

export interface AuditEntry {
  id: string;
  at: string;
  action: string;
  target: string;
  by: string;
  role: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

export interface BulkResult {
  action: string;
  dry_run: boolean;
  counts: { done: number; unchanged: number; refused: number; not_tried: number };
  results: { id: string; outcome: string; code: string | null; detail: string | null }[];
}
